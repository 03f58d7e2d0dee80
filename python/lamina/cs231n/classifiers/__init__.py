"""The course's networks: fc_net, cnn."""
