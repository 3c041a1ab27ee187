"""What the judges that compare sentences with an NLI model share."""
