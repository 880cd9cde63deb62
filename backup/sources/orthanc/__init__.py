"""Orthanc (PACS): its index and its stored files as one."""
