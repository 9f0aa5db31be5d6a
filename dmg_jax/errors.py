"""Mistakes that are the user's to mend."""


class UserError(ValueError):
  """Bad input: its message is one line that says what is wrong, where, and what to do.

  Launchers print the message without a traceback and exit with code 2.
  """
