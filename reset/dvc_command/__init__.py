"""The command `dvc` of this environment: what DVC's own does on top, a file each."""
