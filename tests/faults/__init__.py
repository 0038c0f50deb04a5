"""What goes wrong in real life, brought about on purpose: after each fault nothing is lost, nothing done twice, and
whoever asked has had a readable answer.
"""
