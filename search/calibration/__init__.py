"""What unpatched runs say about forecasts: their weights, what they miss, where to compute.

One measurement keeps inner products of the values of every two calls; everything else follows from
those numbers without an image.
"""
