# Writes OUT with the source's revision, at every build: what was true at configure time goes stale with the next
# commit. The file keeps its time where nothing changed, so that nothing is compiled again.
execute_process(COMMAND git describe --always --dirty WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE revision
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT revision)
  set(revision "unknown")
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define CAWE_REVISION \"${revision}\"\n")
