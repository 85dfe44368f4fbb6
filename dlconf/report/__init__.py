"""Rendering: functions that return text or JSON data and print nothing."""
