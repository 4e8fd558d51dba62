"""The truth harness: a live-edited program against a fresh interpreter that imports the same files.

`fingerprint` describes live modules as plain data, `generator` makes programs and sequences of edits, `live` and
`fresh` are the two processes, `harness` drives them and judges each difference by what the report named.
"""
