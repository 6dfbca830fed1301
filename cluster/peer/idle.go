package main

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// idle holds count connections to each address and sends nothing on them. One that is closed by the other side is
// opened again after a while. Prints a line once each has been open.
func idle(count string, addresses []string) error {
	each, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var opened, held sync.WaitGroup
	for _, address := range addresses {
		for range each {
			opened.Add(1)
			held.Go(func() { hold(address, opened.Done) })
		}
	}
	opened.Wait()
	fmt.Printf("%d connections have been open\n", each*len(addresses))
	held.Wait()
	return nil
}

// hold keeps one connection for ever.
func hold(address string, opened func()) {
	first := sync.OnceFunc(opened)
	for {
		connection, err := net.DialTimeout("tcp", address, 10*time.Second)
		if err == nil {
			first()
			// Nothing comes, so this lasts until the other side closes it.
			_, _ = io.Copy(io.Discard, connection)
			connection.Close()
		}
		time.Sleep(5 * time.Second)
	}
}
