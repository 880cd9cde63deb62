"""The recovery kit: the paper in the sealed envelope, and the second key of every repository that it holds."""
