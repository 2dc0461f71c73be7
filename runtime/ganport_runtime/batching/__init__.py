"""What a batcher is made of: requests, the line they wait in, the thread that draws them."""
