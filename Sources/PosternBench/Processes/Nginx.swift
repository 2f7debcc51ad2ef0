import Net

/// nginx that answers every request 202: what HTTP can reach on this machine.
final class Nginx {
    let address: SocketAddress
    private let child: Child

    init(_ program: String, _ bench: Bench) async throws(Invalid) {
        let directory = try bench.workplace.make("nginx")
        address = try FreePorts.take(1)[0]
        let file = "\(directory)/nginx.conf"
        try TextFile.write(Self.configuration(directory, address), to: file)
        let words = ["-c", file, "-p", directory, "-e", "\(directory)/error"]
        child = try Child(program, words, output: "\(directory)/log")
        try await Waiting.untilItListens(address, on: bench.clients, log: child.output)
    }

    func close() { child.end() }

    private static func configuration(_ directory: String, _ address: SocketAddress) -> String {
        let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { name in
            "\(name)_temp_path \(directory)/\(name);"
        }
        return """
            daemon off;
            worker_processes auto;
            pid \(directory)/pid;
            error_log \(directory)/error;
            events { worker_connections 1024; }
            http {
              access_log off;
              keepalive_requests 100000000;
              \(folders.joined(separator: " "))
              server {
                listen \(address);
                location / {
                  default_type application/json;
                  return 202 '{"id":"00000000000000000000000000000000","status":"queued"}';
                }
              }
            }
            """
    }
}

enum Waiting {
    /// Until a process's port can be connected to.
    static func untilItListens(
        _ address: SocketAddress,
        on loop: EventLoop,
        log: String
    ) async throws(Invalid) {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let isThere = await loop.run {
                (try? await Connection.connect(to: address, within: .seconds(1))) != nil
            }
            if isThere { return }
            guard ContinuousClock.now < deadline else {
                throw Invalid("nothing listens on \(address):\n\(TextFile.read(log).suffix(2000))")
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}
