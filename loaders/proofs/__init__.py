"""What a recount proves, a module each. A check is a batch that fits into a transaction: what it compares is
all of one moment, and what it mends nobody has changed since.
"""
