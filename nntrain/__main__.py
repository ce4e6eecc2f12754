"""`python -m nntrain` is the command `nntrain`."""

from nntrain.cli import command

if __name__ == "__main__":
    command()
