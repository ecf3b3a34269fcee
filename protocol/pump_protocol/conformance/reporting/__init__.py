"""What a report looks like: as JSON, as JUnit XML, as a page, and line by line."""
