"""How fast the portal is, against bare counterparts that do the same visible work in the same run.

`python -m tests.bench [NAME …]` prints a table and writes bench.json; `make bench` does it with everything set up.
A module here that defines measures is named in `__main__.MODULES`.
"""
