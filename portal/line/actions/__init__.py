"""What is done on the line: writing, answering, settling, handing over, taking in mails."""
