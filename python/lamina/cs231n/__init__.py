"""The code of CS231n's second assignment, on lamina's C library: the course's modules, names, arguments, dictionaries,
printed lines and exceptions. docs/courses.md lists the differences.

dropout_p: what `p` of dropout_forward, and `dropout` of FullyConnectedNet, are the probability of. "keep" is the course's
from 2018 on; set "drop" for code that was written before:

    import lamina.cs231n
    lamina.cs231n.dropout_p = "drop"
"""
dropout_p = "keep"
