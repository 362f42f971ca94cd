"""The shipped templates. In a wheel they lie within the package, and Poetry only puts there what is one itself."""
