"""The course: from the embedded crawl to an assistant, section by section, each with a page of its own."""
