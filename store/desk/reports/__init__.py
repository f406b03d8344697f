"""The figures of the supervisor's comparison."""
