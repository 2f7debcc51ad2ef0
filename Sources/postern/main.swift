import Gateway
import Glibc

// The command table, and nothing else.
let status = await CommandTable.run(
    Array(CommandLine.arguments.dropFirst()),
    environment: Environment.variables
)
exit(status.rawValue)
