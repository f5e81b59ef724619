package sandboxtest

func attack([]string) error { return nil }
