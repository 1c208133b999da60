"""What a sample says of the workforce: weights, errors of the design, scales, and whom it stands for. May touch: nothing."""
