"""Where sealed contents lie: `blobs` says what a store must do, `local` keeps them as files.

The application puts one of them into `chosen`, where whoever needs the store finds it.
"""
