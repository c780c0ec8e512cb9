"""What the portal costs, as ratios to yardsticks that are run beside it: `python -m bench`.

`measures` holds one module a subject, `yardsticks` what they are compared with. `rounds` runs
variants side by side, `clocks` says what processes have spent, `servers` and `client` measure
over HTTP, `installations` makes portals to measure, `report` prints. Nothing here gates a test.
"""
