"""Pinned assets, and (with the stages that need them) images and cluster manifests."""
