"""`python -m cli` runs `omniyard` where the script is not on the path."""

from cli.main import main

if __name__ == "__main__":
    main()
