"""What a write changes beside what it is about: one module for each kind of document. Every function takes
the transaction that it is part of.
"""
