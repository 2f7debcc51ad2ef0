import Glibc

Cleanup.watchSignals()
let status = await Benchmark.main(Array(CommandLine.arguments.dropFirst()))
// Everything that was started or made is gone again, whatever happened.
Cleanup.run()
exit(status)
