class SocketUnreader:
    max_body_chunk: int
