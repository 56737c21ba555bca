"""What is known of Beam's engines: by name, whether they can be trusted, and the jobs that they run."""
