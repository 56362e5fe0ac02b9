"""What glibc and musl promise: versions, policies, symbols."""
