import Glibc

package struct ProgramError: Error {
    package let command: [String]
    package let reason: String
}

/// What another program, whose judgement a test asks for, writes to its standard output. Not by
/// Foundation's `Process`, which reads beyond the entries of /proc/self/fd where this process has a
/// thousand descriptors open, as other tests in it have.
package func answer(of command: [String], given input: [UInt8] = []) throws -> [UInt8] {
    guard let into = tmpfile(), let out = tmpfile() else {
        throw ProgramError(command: command, reason: String(cString: strerror(errno)))
    }
    defer {
        fclose(into)
        fclose(out)
    }
    fwrite(input, 1, input.count, into)
    rewind(into)
    try run(command, from: fileno(into), to: fileno(out))
    rewind(out)
    var output: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&part, 1, part.count, out)
        if count == 0 { return output }
        output += part[..<count]
    }
}

private func run(_ command: [String], from input: Int32, to output: Int32) throws {
    var files = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&files)
    defer { posix_spawn_file_actions_destroy(&files) }
    posix_spawn_file_actions_adddup2(&files, input, 0)
    posix_spawn_file_actions_adddup2(&files, output, 1)
    var words = command.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let error = posix_spawnp(&pid, command[0], &files, nil, &words, environ)
    guard error == 0 else {
        throw ProgramError(command: command, reason: String(cString: strerror(error)))
    }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
}
