"""Drills from the IT officer's machine: started on the facility's hosts, followed live, judged by the record."""
