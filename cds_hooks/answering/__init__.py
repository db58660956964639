"""One hook call from end to end, without HTTP: read, evaluated, answered and recorded."""
