"""Who may open what: one line for each endpoint in `table`, and the objects that their addresses name in `objects`.

A new endpoint needs a line in the table, or test_access fails; where its address names an object, a function in
`objects` makes one that belongs to the researcher (or, for the staff, to the test challenge).
"""
