"""The method on networks with a known answer: every finder, edit and control beside what the construction says."""
