"""What a UPS says, whoever read it: one typed reading for every MIB and for NUT."""
