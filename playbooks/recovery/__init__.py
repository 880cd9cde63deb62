"""The facility's way back: make the recovery kit, try it, rebuild the appliance from it."""
