"""One denoising run: what each call computes, and what is remembered for the calls after it."""
