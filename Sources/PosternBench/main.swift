import Glibc

// Everything that was started or made is gone again, whatever happened.
let status = await Benchmark.main(Array(CommandLine.arguments.dropFirst()))
Cleanup.run()
exit(status)
