from hypothesis import settings

# Shared machines stall now and then, which says nothing about the code.
settings.register_profile("quick", deadline=None, max_examples=50)
settings.load_profile("quick")
