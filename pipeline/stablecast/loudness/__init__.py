"""How loud audio is, and how to bring it to a target: ITU-R BS.1770-5, EBU R 128."""
