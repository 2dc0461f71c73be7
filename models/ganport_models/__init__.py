"""What a network is: architectures, their registry, and the checkpoint that carries one."""
