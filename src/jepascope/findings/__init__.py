"""What was found: the tables of a run folder become typed claims and their sentences. Summary, headline, report, comparison and terminal
print these, and none of them words or selects anything of its own."""
