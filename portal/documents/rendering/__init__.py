"""Work on contents that strangers made, in processes that hold nothing and last no more than
seconds: `jobs` runs them, `confinement` is what they give up first, the others are the jobs.
"""
