import Glibc

/// A directory on a real disk, gone when the benchmark ends.
struct Workplace {
    let path: String
    /// The file system's place, for the report.
    let base: String

    init(_ wanted: String?) throws(Invalid) {
        let places = wanted.map { [$0] } ?? Self.usual
        guard let base = places.first(where: Self.isOnDisk) else {
            throw Invalid("\(places.joined(separator: ", ")): not on a disk; name one: --directory")
        }
        var template = Array("\(base)/postern-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Invalid("\(base): \(String(cString: strerror(errno)))")
        }
        let path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        // Postfix's own user passes through it.
        chmod(path, 0o755)
        self.path = path
        self.base = base
        try Cleanup.add { Self.remove(path) }
    }

    /// A fresh directory in it.
    func make(_ name: String) throws(Invalid) -> String {
        for number in 1... {
            let path = "\(path)/\(name)-\(number)"
            if mkdir(path, 0o755) == 0 { return path }
            guard errno == EEXIST else {
                throw Invalid("\(path): \(String(cString: strerror(errno)))")
            }
        }
        return path
    }

    /// With all that is in it.
    static func remove(_ path: String) {
        if let directory = opendir(path) {
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
                    String(cString: UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self))
                }
                if name == "." || name == ".." { continue }
                if entry.pointee.d_type == UInt8(DT_DIR) {
                    remove("\(path)/\(name)")
                } else {
                    unlink("\(path)/\(name)")
                }
            }
        }
        rmdir(path)
    }

    private static var usual: [String] {
        (getenv("TMPDIR").map { [String(cString: $0)] } ?? []) + ["/var/tmp", "/tmp"]
    }

    private static func isOnDisk(_ path: String) -> Bool {
        guard let system = fileSystem(of: path) else { return false }
        return !["tmpfs", "ramfs"].contains(system)
    }

    /// Of the mount that holds the path: proc(5), /proc/self/mounts. Later mounts cover earlier ones.
    static func fileSystem(of path: String) -> Substring? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        let place = String(cString: real) + "/"
        var best: (length: Int, system: Substring)?
        for line in TextFile.read("/proc/self/mounts").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 3 else { continue }
            let mount = words[1] == "/" ? "/" : words[1] + "/"
            if place.hasPrefix(mount), mount.count >= best?.length ?? 0 {
                best = (mount.count, words[2])
            }
        }
        return best?.system
    }
}
