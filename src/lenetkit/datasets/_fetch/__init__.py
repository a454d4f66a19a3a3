"""Files of named data sets: records of what they hold, mirrors that serve them, and the download."""
