"""The transfer of one object: the method, the properties that are kept, and the verification of the copy."""
