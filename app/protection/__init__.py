"""What protects a gateway: one module for each limit, and admission."""
