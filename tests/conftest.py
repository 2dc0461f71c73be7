from hypothesis import settings

# A deadline in milliseconds of wall time fails on a busy machine.
settings.register_profile("ganport", deadline=None)
settings.load_profile("ganport")
