"""All the defects, by where they are."""

from tests.mutants import at_the_doors, in_the_database, in_what_comes_in
from tests.mutants.mutation import Mutation

MUTATIONS: tuple[Mutation, ...] = (
    *in_the_database.MUTATIONS,
    *in_what_comes_in.MUTATIONS,
    *at_the_doors.MUTATIONS,
)
