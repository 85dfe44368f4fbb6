#!/bin/sh
echo "no token in LAB_TOKEN" >&2
exit 3
